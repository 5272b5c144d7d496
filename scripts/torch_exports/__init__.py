"""PyTorch networks as its default exporter writes them."""
