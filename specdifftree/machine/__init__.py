"""What the machine does: a fast BLAS, seeds, storage, logs of runs, pictures, processes."""
