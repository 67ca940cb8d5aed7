"""The console, at `/console`: pages for those who run the service, and for a tenant's people. It stands above `web`.

    app          add_console: all of it, put together
    routes       what a page is, and what its view gets
    guard        session, tenant, permission, the token of every form
    sign_in      links that work once, signing out
    once         forms that do nothing when they are sent again
    cookies      what the browser keeps
    links        addresses, all below PUBLIC_URL
    rendering    pages, what follows a form, failures
    formats      money, times and states for people
    pages        the pages, by section; templates/ has a folder for each, and macros.html what they are made of

To add a page: a view with its `@page` in `pages/`, its template, its name in the module's Section; a Section is a line in
`pages/__init__.py`. It calls use cases as REST views do, and knows no rule.
"""

from stripe_bridge.adapters.console.app import ConsoleOptions, add_console
from stripe_bridge.adapters.console.guard import WantsForm

__all__ = ["ConsoleOptions", "WantsForm", "add_console"]
