"""What the use cases need from the outside world: Protocols, their errors and values. Docstrings here are the contract."""
