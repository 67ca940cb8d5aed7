"""What goes in and out, as schemas: they check, they render, and they are the OpenAPI document's source."""
