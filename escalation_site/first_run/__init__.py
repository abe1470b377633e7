"""The way from an empty installation to a first page that somebody really gets: one administrator, one team of two,
one rotation, one policy, one service, one test (R001).

While nobody exists, nobody can be signed in, so every page leads to the sign-in page; that page alone looks whether
there is anybody (`views.sign_in`). A middleware would have asked on each request for ever.
"""
