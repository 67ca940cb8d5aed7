"""The servers that measurements need, and starting and stopping them."""
