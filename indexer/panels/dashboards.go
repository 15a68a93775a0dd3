package panels

import "armor/indexer/field"

// GridColumns is the width of a dashboard in units, as Kibana counts it.
const GridColumns = 48

// Dashboard is a page of panels under one filter.
type Dashboard struct {
	// ID is short and stable.
	ID string
	// Title as shown.
	Title string
	// Description says what the page is for.
	Description string
	// Query narrows all of its alerts: one field:value, or NOT and one; empty: all alerts.
	Query string
	// Rows of panels, from the top.
	Rows []Row
}

// Row is panels beside each other.
type Row struct {
	// Height in units.
	Height int
	// Cells from the left; together they are GridColumns wide.
	Cells []Cell
}

// Cell is a panel and its width in units.
type Cell struct {
	Panel Panel
	Width int
}

// Placed is a panel at its place on a dashboard, in units from the top left.
type Placed struct {
	Panel               Panel
	X, Y, Width, Height int
}

// Placed lists the panels of a dashboard with their places, row by row.
func (d Dashboard) Placed() []Placed {
	var out []Placed
	y := 0
	for _, r := range d.Rows {
		x := 0
		for _, c := range r.Cells {
			out = append(out, Placed{Panel: c.Panel, X: x, Y: y, Width: c.Width, Height: r.Height})
			x += c.Width
		}
		y += r.Height
	}
	return out
}

// Heights of rows.
const (
	tileHeight  = 6
	chartHeight = 15
	tableHeight = 20
)

// even puts panels of one width into a row.
func even(height int, ps ...Panel) Row {
	r := Row{Height: height}
	for _, p := range ps {
		r.Cells = append(r.Cells, Cell{p, GridColumns / len(ps)})
	}
	return r
}

// uneven is a row of a narrow panel and a wide one.
func uneven(narrow, wide Panel) Row {
	return Row{chartHeight, []Cell{{narrow, GridColumns / 3}, {wide, GridColumns - GridColumns/3}}}
}

// Dashboards are the pages, in the order of their names in Kibana's list.
func Dashboards() []Dashboard {
	return []Dashboard{amazonEC2(), awsOverview(), armorOverview(), hosts()}
}

func amazonEC2() Dashboard {
	return Dashboard{
		ID: "amazon-ec2", Title: "Amazon EC2", Description: "Alerts about Amazon EC2: what was done, by whom, from where, and what was refused.",
		Query: field.Groups + ":amazon-ec2",
		Rows: []Row{
			uneven(PieChart(), StackedGroups()),
			even(chartHeight, accounts(), regions(), users(), sourceAddresses()),
			even(chartHeight, refusedCalls()),
			even(tableHeight, LastAlerts()),
		},
	}
}

func awsOverview() Dashboard {
	return Dashboard{
		ID: "aws-overview", Title: "AWS overview", Description: "Alerts from CloudTrail over all services, accounts and regions.",
		Query: field.CloudProvider + ":aws",
		Rows: []Row{
			even(tileHeight, alertsTile(), highLevelTile(), refusedTile(), accountsTile()),
			uneven(PieChart(), levels()),
			even(chartHeight, services(), apiCalls(), errorCodes()),
			even(chartHeight, accounts(), regions(), users(), sourceAddresses()),
			uneven(techniques(), refusedCalls()),
			even(tableHeight, LastAlerts()),
		},
	}
}

func armorOverview() Dashboard {
	return Dashboard{
		ID: "armor-overview", Title: "Armor overview", Description: "All alerts: how bad, from which agents, by which rules.",
		Rows: []Row{
			even(tileHeight, alertsTile(), highLevelTile(), agentsTile(), rulesTile()),
			even(chartHeight, levels()),
			even(chartHeight, topAgents(), topRules(), tactics()),
			uneven(PieChart(), StackedGroups()),
			even(chartHeight, highLevelRules()),
			even(tableHeight, highLevelAlerts()),
			even(tableHeight, LastAlerts()),
		},
	}
}

func hosts() Dashboard {
	return Dashboard{
		ID: "hosts", Title: "Hosts", Description: "Alerts from the logs of hosts: everything that does not come from AWS.",
		Query: "NOT " + field.CloudProvider + ":aws",
		Rows: []Row{
			even(tileHeight, alertsTile(), highLevelTile(), failedLoginsTile(), agentsTile()),
			uneven(topAgents(), agentsOverTime()),
			uneven(failedLoginSources(), failedLogins()),
			even(chartHeight, programs(), locations(), decoders()),
			even(chartHeight, topRules(), users(), sourceAddresses()),
			even(chartHeight, StackedGroups()),
			even(tableHeight, LastAlerts()),
		},
	}
}

// OfDashboards lists the panels of all dashboards, each once, in the order in which they first appear.
func OfDashboards() []Panel {
	var out []Panel
	seen := map[string]bool{}
	for _, d := range Dashboards() {
		for _, p := range d.Placed() {
			if !seen[p.Panel.ID] {
				seen[p.Panel.ID] = true
				out = append(out, p.Panel)
			}
		}
	}
	return out
}
