"""The ERP's sales orders, as copies."""
