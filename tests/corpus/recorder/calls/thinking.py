"""Two trains of thought, with a revision and a branch."""

THOUGHTS = [
    "The user asks why the nightly report takes 40 minutes. First I should look at what it does: one query a customer.",
    "There are 18,211 customers, so 18,211 queries at 2 ms are 36 s. That is not it. What else happens?",
    "The report is written row by row with a flush after each. On the network share a flush takes about 130 ms: 18,211 × 0.13 s ≈ 39 min. That is it.",
    "Revision: the flush happens only for rows with a note, as the code shows. But 97 % of them have one.",
    "Option A: write to a local file and copy it. Option B: flush once at the end. B loses rows if the process dies; A does not.",
    "I must not change the file format; the accounting system reads it. Both options keep it.",
    "Before I call the tool that edits the script I should show the change to the user and ask.",
    "Answer: option A. Read the script, change the path, copy with an atomic rename, measure again.",
]
HOLIDAY = [
    "Need: 5 days, two adults, a child, no plane. From Leipzig.",
    "Wien ist mit dem Zug in 5 h 40 erreichbar; Kopenhagen in 8 h mit einmal Umsteigen.",
    "Forget Copenhagen: the ferry is fully booked. I disregard the earlier estimate of the price, too.",
    "Vienna it is 🎡. Check: museum passes, a hotel near the Prater, dinner that a child eats.",
    "総費用は約1,150ユーロ。予算内です。",
    "Done. From now on only the packing list is open.",
]


def calls(_):
    for train in [THOUGHTS, HOLIDAY]:
        for number, thought in enumerate(train, 1):
            step = {"thought": thought, "thoughtNumber": number, "totalThoughts": len(train), "nextThoughtNeeded": number < len(train)}
            if thought.startswith("Revision"):
                step |= {"isRevision": True, "revisesThought": 3}
            if number == 5:
                step |= {"branchFromThought": 4, "branchId": "options", "needsMoreThoughts": False}
            yield "sequentialthinking", step
