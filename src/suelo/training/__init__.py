"""Training: data, network, losses, fitting, evaluation and export."""
