"""What all faces share of HTTP: the edge, headers, errors, client addresses, health, OpenAPI."""
