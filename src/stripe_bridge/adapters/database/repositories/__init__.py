"""The repositories, one module for each aggregate or for a few that belong together."""
