"""The official Python SDK 2.x as a client of revision 2026-07-28 whose person is asked in the answer to its call.

Usage: python elicits2.py ANSWER TOOL ARGUMENTS COMMAND…   prints {"protocol", "asked", "text", "isError"}.
ANSWER: approve, refuse, decline or cancel. `asked` is null if the person was not asked.
"""

import asyncio
import json
import os
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import ElicitResult

ANSWERS = {
    "approve": ElicitResult(action="accept", content={"approve": True}),
    "refuse": ElicitResult(action="accept", content={"approve": False}),
    "decline": ElicitResult(action="decline"),
    "cancel": ElicitResult(action="cancel"),
}


async def main(answer, tool, given, command, *args):
    asked = None

    async def person(_context, params):
        nonlocal asked
        asked = params.message
        return ANSWERS[answer]

    server = StdioServerParameters(command=command, args=list(args), env=dict(os.environ))
    async with Client(server, mode="auto", elicitation_callback=person) as client:
        result = await client.call_tool(tool, json.loads(given))
        told = {"protocol": client.protocol_version, "asked": asked}
        print(json.dumps({**told, "text": result.content[0].text, "isError": bool(result.is_error)}))


asyncio.run(main(*sys.argv[1:]))
