"""The contenders, each set up as its own documentation says."""
