"""A second implementation of Strongroom, written from the specification alone."""
