"""What every step needs: one portal and its ports, leases and claims, what a commit found wrong, the brake."""
