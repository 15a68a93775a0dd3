package panels

import "armor/indexer/field"

// topSize is the number of values that a bar panel shows.
const topSize = 10

// top is a bar panel: the most frequent values of a field.
func top(id, title, name string) Panel {
	return Panel{ID: id, Title: title, Kind: Bars, Field: name, Size: topSize}
}

// RefusedCalls finds the AWS calls that were refused for want of rights, in the query language.
const RefusedCalls = field.AWSErrorCode + `:(AccessDenied OR UnauthorizedOperation OR Client.UnauthorizedOperation)`

// FailedLogins finds the log-ins that failed on hosts, in the query language: by the groups that rules of this family use.
const FailedLogins = field.Groups + `:(authentication_failed OR authentication_failures OR invalid_login)`

// HighLevel finds the alerts that cannot wait, in the query language.
const HighLevel = field.Level + ":>=12"

// Panels of the dashboards, beside those of the console.

func accounts() Panel        { return top("accounts", "Accounts", field.CloudAccount) }
func regions() Panel         { return top("regions", "Regions", field.CloudRegion) }
func users() Panel           { return top("users", "Users", field.UserName) }
func sourceAddresses() Panel { return top("source-addresses", "Source addresses", field.SourceIP) }
func apiCalls() Panel        { return top("api-calls", "API calls", field.EventAction) }
func services() Panel        { return top("services", "AWS services", field.AWSEventSource) }
func errorCodes() Panel      { return top("error-codes", "Error codes", field.AWSErrorCode) }
func topRules() Panel        { return top("top-rules", "Top rules", field.Description) }
func topAgents() Panel       { return top("top-agents", "Top agents", field.AgentName) }
func tactics() Panel         { return top("mitre-tactics", "MITRE tactics", field.MitreTactic) }
func techniques() Panel      { return top("mitre-techniques", "MITRE techniques", field.MitreID) }
func programs() Panel        { return top("programs", "Programs", field.ProgramName) }
func locations() Panel       { return top("locations", "Log files", field.Location) }
func decoders() Panel        { return top("decoders", "Decoders", field.DecoderName) }

// refusedCalls shows over time which calls were refused.
func refusedCalls() Panel {
	return Panel{
		ID: "refused-calls", Title: "Refused calls over time", Kind: Stacked, Field: field.EventAction, Size: 5, Query: RefusedCalls,
	}
}

// levels shows over time how many alerts each level has. There are 17 levels, 0 to 16: none is left out.
func levels() Panel {
	return Panel{ID: "levels", Title: "Levels over time", Kind: Stacked, Field: field.Level, Size: 17}
}

// highLevelRules shows over time which rules of level 12 and above fired.
func highLevelRules() Panel {
	return Panel{
		ID: "high-level-rules", Title: "Level 12 and above over time", Kind: Stacked, Field: field.Description, Size: 5, Query: HighLevel,
	}
}

// highLevelAlerts lists the newest alerts of level 12 and above.
func highLevelAlerts() Panel {
	p := LastAlerts()
	p.ID, p.Title, p.Query = "high-level-alerts", "Last alerts of level 12 and above", HighLevel
	return p
}

// agentsOverTime shows over time which agents the alerts come from.
func agentsOverTime() Panel {
	return Panel{ID: "agents-over-time", Title: "Agents over time", Kind: Stacked, Field: field.AgentName, Size: topSize}
}

// failedLogins shows over time where log-ins failed.
func failedLogins() Panel {
	return Panel{
		ID: "failed-logins", Title: "Failed logins over time", Kind: Stacked, Field: field.AgentName, Size: topSize, Query: FailedLogins,
	}
}

// failedLoginSources shows where failed log-ins came from.
func failedLoginSources() Panel {
	p := top("failed-login-sources", "Failed logins by source", field.SourceIP)
	p.Query = FailedLogins
	return p
}

func alertsTile() Panel {
	return Panel{ID: "alerts", Title: "Alerts", Kind: Tile, Measure: CountAlerts}
}

func highLevelTile() Panel {
	return Panel{ID: "high-level", Title: "Level 12 and above", Kind: Tile, Measure: CountAlerts, Query: HighLevel}
}

func refusedTile() Panel {
	return Panel{ID: "refused", Title: "Refused calls", Kind: Tile, Measure: CountAlerts, Query: RefusedCalls}
}

func failedLoginsTile() Panel {
	return Panel{ID: "failed-logins-count", Title: "Failed logins", Kind: Tile, Measure: CountAlerts, Query: FailedLogins}
}

// distinct is a tile that counts the different values of a field.
func distinct(id, title, name string) Panel {
	return Panel{ID: id, Title: title, Kind: Tile, Measure: CountValues, Field: name, Size: maxDistinct}
}

func agentsTile() Panel   { return distinct("agents", "Agents reporting", field.AgentID) }
func accountsTile() Panel { return distinct("accounts-count", "AWS accounts", field.CloudAccount) }
func rulesTile() Panel    { return distinct("rules-count", "Rules that fired", field.RuleID) }
