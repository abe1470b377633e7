"""The whole product on a virtual clock: real database, real services, providers faked at the network edge."""
