"""A cache on a server, by the Remote Execution API. Needs the extra `remote` of this package: gRPC, the API's messages.

Nothing else imports this package before a server is named.
"""
