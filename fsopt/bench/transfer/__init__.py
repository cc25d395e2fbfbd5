"""What earlier studies are worth: `fsopt bench transfer`."""
