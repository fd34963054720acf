"""The official Python SDK 2.x as a client: handshake or discovery, tools/list, one call.

Usage: python sdk2.py MODE TOOL ARGUMENTS COMMAND…   prints {"protocol", "tools", "text"}.
MODE is the SDK's own: "auto" probes for the modern era first, "legacy" shakes hands.
"""

import asyncio
import json
import os
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters


async def main(mode, tool, given, command, *args):
    server = StdioServerParameters(command=command, args=list(args), env=dict(os.environ))
    async with Client(server, mode=mode) as client:
        tools = await client.list_tools()
        result = await client.call_tool(tool, json.loads(given))
        names = [tool.name for tool in tools.tools]
        print(json.dumps({"protocol": client.protocol_version, "tools": names, "text": result.content[0].text}))


asyncio.run(main(*sys.argv[1:]))
