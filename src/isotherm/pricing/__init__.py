"""What AWS asks for its services: a dated price table, and bills made from it."""
