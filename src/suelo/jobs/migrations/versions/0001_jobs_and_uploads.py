"""Jobs and uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEPT = sa.text("status IN ('queued', 'running', 'succeeded')")


def upgrade() -> None:
    """Make both tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("received", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_index("ix_uploads_created_at", "uploads", ["created_at"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("gsd_m", sa.Float, nullable=False),
        sa.Column("crs", sa.Text, nullable=False),
        sa.Column("georeferenced", sa.Boolean, nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("image_bytes", sa.BigInteger, nullable=False),
        sa.Column("model_name", sa.String(128), nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("model_thresholds", sa.JSON, nullable=False),
        sa.Column("statistics", sa.JSON),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("options_key", sa.String(32), nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(128), nullable=False),
        sa.Column("heartbeat_at", moment),
    )
    op.create_index(
        "jobs_once",
        "jobs",
        ["owner", "image_sha256", "model_sha256", "options_key"],
        unique=True,
        sqlite_where=_KEPT,
        postgresql_where=_KEPT,
    )
    op.create_index("jobs_list", "jobs", ["owner", "created_at"])
    op.create_index("jobs_queue", "jobs", ["status", "created_at"])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("jobs")
    op.drop_table("uploads")
