"""What the portal and its people are told of: events, mails, reminders, a quote on paper."""
