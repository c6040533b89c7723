"""What an operator asks for: plan, replay, resolve, pause, status, erasure."""
