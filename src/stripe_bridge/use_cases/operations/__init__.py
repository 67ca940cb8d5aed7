"""What operators and monitoring ask for: doctor, readiness, backlog, retention, key rotation."""
