"""A real virtual camera and a real camera driver, in a guest kernel: run with `make test-vm`."""
