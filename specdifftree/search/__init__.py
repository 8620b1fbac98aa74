"""Search methods: each returns weighted samples of p(x|c)·exp(λ r(x)) as the same Result."""
