"""What speaks to the service: one client, its errors, its pace, its replies."""
