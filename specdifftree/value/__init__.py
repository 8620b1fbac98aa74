"""The soft value: losses that learn it, where it enters a search, the look-ahead and what is learned."""
