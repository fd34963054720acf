"""The SDK's everything-server on stdio; its own main serves HTTP."""

from server import mcp

mcp.run(transport="stdio")
