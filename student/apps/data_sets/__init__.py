"""What the data sets are made of: where the real ones come from, and how the synthetic ones are drawn."""
