# What was enabled runs again before anybody logs in, with the same logins.
step 'the services run, and the logins are there'
eval "$(grep '^vault() ' /opt/page/as-a-service-of-the-system-2)"
systemctl is-active --quiet evertoken-agent.service || fail 'the service does not run'
until_true 20 pgrep --uid ada --exact evertoken-agent
same "$(vault token default)" "$(cat /root/token-of-the-service)" 'of the service'
same "$(person ada 'evertoken token')" "$(cat /root/token-of-ada)" 'of ada'
