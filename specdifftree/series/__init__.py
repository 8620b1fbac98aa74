"""Time series: tables, spectra, metrics and simple forecasters."""
