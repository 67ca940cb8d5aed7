"""What every API call has in common, whatever it is about."""
