"""What can operators do? Plain functions, the same for every face."""
