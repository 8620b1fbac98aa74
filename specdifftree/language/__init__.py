"""A language model that reads time series: backbone, encoder, model, training, published files."""
