package ui

// The problems of the pages device_….
const (
	ProblemDeviceCode = "device.problem.code"
	ProblemDeviceGone = "device.problem.gone"
)

// DeviceCode is the page device_code: a person types the code that a device shows. Form field: user_code.
type DeviceCode struct {
	Action  string
	Code    string
	Problem string
}

// DeviceConfirm is the page device_confirm: shall the device be let in? Form field: answer, "yes" or "no".
type DeviceConfirm struct {
	Action  string
	App     string
	Address string
	Code    string // as the device shows it
}

// DeviceDone is the page device_done: what became of it.
type DeviceDone struct {
	App        string
	Denied     bool
	AccountURL string
}
