"""The servers that a measurement needs, brought up and taken down."""
