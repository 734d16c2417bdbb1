"""Jobs of a vault: started, waited for, found again."""
