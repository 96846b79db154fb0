// The message is the attack.
#error "[2J]0;10 of 10</pre><script>alert(1)</script>[32mPASSED[0m"
