"""Publishing a dataset folder on the Hub: what would go, what must not, and the upload."""
