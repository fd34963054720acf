"""Clocks of the world."""

ZONES = ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Mars/Olympus"]
TIMES = [("Europe/London", "09:30", "Asia/Kolkata"), ("America/Los_Angeles", "17:00", "Europe/Paris"), ("Asia/Kathmandu", "00:15", "Pacific/Auckland"),
         ("UTC", "23:59", "America/St_Johns"), ("Europe/Berlin", "25:00", "UTC"), ("Africa/Nairobi", "12:00", "America/Sao_Paulo")]


def calls(_):
    for zone in ZONES:
        yield "get_current_time", {"timezone": zone}
    for source, time, target in TIMES:
        yield "convert_time", {"source_timezone": source, "time": time, "target_timezone": target}
