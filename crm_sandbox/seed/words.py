"""What the fields of companies and deals may say. A sandbox spells them as its vendor's people would."""

STAGES = (  # name, is closed, is won, probability in percent
    ("Prospecting", False, False, 10),
    ("Qualification", False, False, 10),
    ("Needs Analysis", False, False, 20),
    ("Value Proposition", False, False, 50),
    ("Id. Decision Makers", False, False, 60),
    ("Perception Analysis", False, False, 70),
    ("Proposal/Price Quote", False, False, 75),
    ("Negotiation/Review", False, False, 90),
    ("Closed Won", True, True, 100),
    ("Closed Lost", True, False, 0),
)
REGIONS = ("AMER", "APAC", "EMEA", "LATAM")
TIERS = ("Registered", "Silver", "Gold", "Platinum")
PRODUCT_LINES = ("Cloud", "Edge", "Security", "Storage", "Networking", "Analytics")
COUNTRIES = ("US", "CA", "MX", "BR", "GB", "DE", "FR", "NL", "ES", "IN", "JP", "SG", "AU")
INDUSTRIES = ("Technology", "Electronics", "Telecommunications", "Consulting", "Healthcare", "Retail", "Other")
VENDOR_APPROVALS = ("Pending", "Approved", "Rejected", "Returned", "Renewal pending")
DISTRIBUTOR_APPROVALS = ("Not required", "Pending", "Approved", "Rejected", "Renewal pending")
