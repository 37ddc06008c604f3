"""Scene to probabilities, polygons, areas and files."""
