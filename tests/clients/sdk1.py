"""The official Python SDK 1.x as a client: handshake, tools/list, one call.

Usage: python sdk1.py TOOL ARGUMENTS COMMAND…   prints {"protocol", "tools", "text"}.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main(tool, given, command, *args):
    server = StdioServerParameters(command=command, args=list(args), env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        protocol = (await session.initialize()).protocolVersion
        tools = await session.list_tools()
        result = await session.call_tool(tool, json.loads(given))
        names = [tool.name for tool in tools.tools]
        print(json.dumps({"protocol": protocol, "tools": names, "text": result.content[0].text}))


asyncio.run(main(*sys.argv[1:]))
