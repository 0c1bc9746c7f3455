"""Generated from protos/spotted/v1 by `make stubs`."""
