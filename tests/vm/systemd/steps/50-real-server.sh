# seconds: 90
# The user runs a real server: a handshake, its tools, a file of the workspace, and one that stays closed.
must_be_active
begun=$(date +%s%N)
as ada node /opt/steps/server.mjs "$npm/@modelcontextprotocol/server-filesystem/dist/index.js" /home/ada/work /home/ada/.ssh/id_ed25519
figure session_ms $((($(date +%s%N) - begun) / 1000000))
as ada mcpguard log verify
