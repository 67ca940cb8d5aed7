"""What the use cases need of the world: Protocols, their errors and values. A docstring here is the contract."""
