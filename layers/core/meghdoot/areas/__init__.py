"""The areas of the field. A line of the list may import the lines above it, never its neighbours.

    tenants access
    customers segments
    consent content
    messaging
    campaigns
    analytics

Every area has the floors it needs: model <- rules <- ports <- service.
"""
