package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The parts of a Kubernetes object that the recipes use, each under its name in the
// API. A key that is not here is an error.
type (
	kubeObject struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   kubeMeta
		Spec       struct {
			ClusterIP                string `yaml:"clusterIP"`
			PublishNotReadyAddresses bool   `yaml:"publishNotReadyAddresses"`
			Ports                    []kubePort
			Selector                 yaml.Node // of a Service a map, of the others matchLabels
			MaxUnavailable           int       `yaml:"maxUnavailable"`
			ServiceName              string    `yaml:"serviceName"`
			Replicas                 int
			Ordinals                 struct{ Start int }
			PodManagementPolicy      string `yaml:"podManagementPolicy"`
			Template                 struct {
				Metadata kubeMeta
				Spec     kubePod
			}
			VolumeClaimTemplates []struct {
				Metadata kubeMeta
				Spec     struct {
					AccessModes []string `yaml:"accessModes"`
					Resources   struct{ Requests struct{ Storage string } }
				}
			} `yaml:"volumeClaimTemplates"`
		}
	}
	kubeMeta struct {
		Name   string
		Labels map[string]string
	}
	kubePort struct {
		Name          string
		Port          int
		ContainerPort int `yaml:"containerPort"`
	}
	kubePod struct {
		AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
		EnableServiceLinks            *bool  `yaml:"enableServiceLinks"`
		TerminationGracePeriodSeconds string `yaml:"terminationGracePeriodSeconds"`
		SecurityContext               struct {
			RunAsNonRoot        bool                  `yaml:"runAsNonRoot"`
			RunAsUser           int                   `yaml:"runAsUser"`
			RunAsGroup          int                   `yaml:"runAsGroup"`
			FSGroup             int                   `yaml:"fsGroup"`
			FSGroupChangePolicy string                `yaml:"fsGroupChangePolicy"`
			SeccompProfile      struct{ Type string } `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		TopologySpreadConstraints []struct {
			MaxSkew           int       `yaml:"maxSkew"`
			TopologyKey       string    `yaml:"topologyKey"`
			WhenUnsatisfiable string    `yaml:"whenUnsatisfiable"`
			LabelSelector     yaml.Node `yaml:"labelSelector"`
		} `yaml:"topologySpreadConstraints"`
		Containers []kubeContainer
		Volumes    []struct {
			Name   string
			Secret *struct {
				SecretName  string `yaml:"secretName"`
				DefaultMode int    `yaml:"defaultMode"`
			}
			EmptyDir *struct{} `yaml:"emptyDir"`
		}
	}
	kubeContainer struct {
		Name, Image string
		Args        []string
		Env         []struct {
			Name, Value string
			ValueFrom   struct {
				FieldRef struct {
					FieldPath string `yaml:"fieldPath"`
				} `yaml:"fieldRef"`
			} `yaml:"valueFrom"`
		}
		Ports          []kubePort
		StartupProbe   *kubeProbe `yaml:"startupProbe"`
		ReadinessProbe *kubeProbe `yaml:"readinessProbe"`
		LivenessProbe  *kubeProbe `yaml:"livenessProbe"`
		Resources      struct{ Requests, Limits map[string]string }
		Security       struct {
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct{ Drop []string }
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			SubPath   string `yaml:"subPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	kubeProbe struct {
		HTTPGet *struct {
			Path, Port string
		} `yaml:"httpGet"`
		TCPSocket *struct {
			Port string
		} `yaml:"tcpSocket"`
		PeriodSeconds    int `yaml:"periodSeconds"`
		FailureThreshold int `yaml:"failureThreshold"`
	}
)

// kubeObjects returns the objects in the YAML of help recipes, by kind and name.
func kubeObjects(t *testing.T) map[string]kubeObject {
	t.Helper()
	objects := make(map[string]kubeObject)
	for _, marker := range []string{"kind: StatefulSet", "kind: Deployment"} {
		d := yaml.NewDecoder(strings.NewReader(block(t, marker)))
		d.KnownFields(true)
		for {
			var o kubeObject
			err := d.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			objects[o.Kind+" "+o.Metadata.Name] = o
		}
	}
	return objects
}

// labels returns the labels that a selector, under key, wants.
func labels(t *testing.T, selector yaml.Node, key string) map[string]string {
	t.Helper()
	var m, under map[string]string
	all := map[string]map[string]string{}
	if key != "" {
		if err := selector.Decode(&all); err != nil || len(all) != 1 {
			t.Fatalf("a selector has %v, %v", all, err)
		}
		under = all[key]
	} else if err := selector.Decode(&m); err == nil {
		under = m
	}
	if len(under) == 0 {
		t.Fatal("a selector selects all")
	}
	return under
}

// What the recipe gives to Kubernetes has only keys that the API has, refers to what is
// there, and says the same as the flags of the commands.
func TestRecipeKubernetes(t *testing.T) {
	objects := kubeObjects(t)
	for name, version := range map[string]string{"Service serve": "v1", "Service fleet": "v1", "PodDisruptionBudget serve": "policy/v1", "StatefulSet serve": "apps/v1", "Deployment work": "apps/v1"} {
		if got := objects[name].APIVersion; got != version {
			t.Errorf("%s has apiVersion %q, want %s", name, got, version)
		}
	}
	if len(objects) != 5 {
		t.Errorf("there are %d objects, want 5", len(objects))
	}
	serve, work := objects["StatefulSet serve"].Spec, objects["Deployment work"].Spec
	serveFlags := checkPod(t, objects["StatefulSet serve"], 0, "fleet", "serve")
	workFlags := checkPod(t, objects["Deployment work"], 0, "fleet", "work")

	// The services find the nodes, and a node the others, in any order of starts.
	for name, labels := range map[string]map[string]string{
		"Service serve":             labels(t, objects["Service serve"].Spec.Selector, ""),
		"Service fleet":             labels(t, objects["Service fleet"].Spec.Selector, ""),
		"PodDisruptionBudget serve": labels(t, objects["PodDisruptionBudget serve"].Spec.Selector, "matchLabels"),
		"spread":                    labels(t, serve.Template.Spec.TopologySpreadConstraints[0].LabelSelector, "matchLabels"),
	} {
		for k, v := range labels {
			if serve.Template.Metadata.Labels[k] != v {
				t.Errorf("%s selects %s=%s, and the nodes have %v", name, k, v, serve.Template.Metadata.Labels)
			}
		}
	}
	headless := objects["Service "+serve.ServiceName].Spec
	if headless.ClusterIP != "None" || !headless.PublishNotReadyAddresses || serve.PodManagementPolicy != "Parallel" {
		t.Errorf("a node is not found before it is ready: clusterIP %s, publishNotReadyAddresses %v, podManagementPolicy %s",
			headless.ClusterIP, headless.PublishNotReadyAddresses, serve.PodManagementPolicy)
	}
	var peers []string
	for i := range serve.Replicas {
		peers = append(peers, fmt.Sprintf("serve-%d.%s:%d", i+serve.Ordinals.Start, serve.ServiceName, headless.Ports[0].Port))
	}
	if got := strings.Trim(serveFlags["peers"], "[]"); got != strings.Join(peers, ",") || serve.Ordinals.Start != 1 {
		t.Errorf("--peers=%s, and the pods are %v", got, peers)
	}
	if objects["PodDisruptionBudget serve"].Spec.MaxUnavailable != 1 || serve.Replicas != 3 {
		t.Error("more than one node of three can be away at once")
	}
	_, port, _ := net.SplitHostPort(serveFlags["listen"])
	if got, want := workFlags["server"], "tls://fleet:"+port; got != want || fmt.Sprint(objects["Service fleet"].Spec.Ports[0].Port) != port {
		t.Errorf("--server=%s, want %s", got, want)
	}
	if c := serve.VolumeClaimTemplates; len(c) != 1 || !slices.Equal(c[0].Spec.AccessModes, []string{"ReadWriteOnce"}) || c[0].Metadata.Name != "store" {
		t.Errorf("the volumes of the nodes are %+v", c)
	}
	if work.Replicas < 2 {
		t.Error("one worker has nobody to take over from it")
	}
}

// checkPod checks the pods of an object and returns the flags of their command, when
// it runs as the pod of that number.
func checkPod(t *testing.T, o kubeObject, number int, command ...string) map[string]string {
	t.Helper()
	for k, v := range labels(t, o.Spec.Selector, "matchLabels") {
		if o.Spec.Template.Metadata.Labels[k] != v {
			t.Errorf("%s does not select its own pods", o.Metadata.Name)
		}
	}
	pod := o.Spec.Template.Spec
	c := pod.Containers[0]
	if !slices.Equal(c.Args[:len(command)], command) {
		t.Fatalf("%s runs %q", o.Metadata.Name, c.Args)
	}
	line := strings.Join(c.Args, "\n")
	for _, e := range c.Env {
		if strings.Contains(line, "$("+e.Name+")") && e.ValueFrom.FieldRef.FieldPath != "metadata.labels['apps.kubernetes.io/pod-index']" {
			t.Errorf("%s: $(%s) is %+v", o.Metadata.Name, e.Name, e.ValueFrom)
		}
		line = strings.ReplaceAll(line, "$("+e.Name+")", fmt.Sprint(number+1))
	}
	if strings.Contains(line, "$(") {
		t.Errorf("%s: args name a variable that there is not: %q", o.Metadata.Name, line)
	}
	_, flags := flagsOfLine(t, strings.Split(line, "\n"))

	checkStop(t, o.Metadata.Name, pod.TerminationGracePeriodSeconds)
	sc := pod.SecurityContext
	if !sc.RunAsNonRoot || sc.RunAsUser == 0 || sc.FSGroup == 0 || sc.SeccompProfile.Type != "RuntimeDefault" || *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks ||
		*c.Security.AllowPrivilegeEscalation || !c.Security.ReadOnlyRootFilesystem || !slices.Equal(c.Security.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("%s has rights that it does not need", o.Metadata.Name)
	}

	// Probes ask what the command listens on.
	ports := make(map[string]string)
	for _, p := range c.Ports {
		ports[p.Name] = fmt.Sprint(p.ContainerPort)
	}
	for name, flag := range map[string]string{"clients": "listen", "metrics": "metrics-listen"} {
		if address, ok := flags[flag]; ok {
			if host, port, err := net.SplitHostPort(address); err != nil || port != ports[name] || net.ParseIP(host).IsLoopback() {
				t.Errorf("%s: --%s=%s, and the port %s is %s: %v", o.Metadata.Name, flag, address, name, ports[name], err)
			}
		}
	}
	if g := c.ReadinessProbe.HTTPGet; g == nil || g.Path != "/healthz" || g.Port != "metrics" || ports[g.Port] == "" {
		t.Errorf("%s: readiness asks %+v", o.Metadata.Name, g)
	}
	for _, p := range []*kubeProbe{c.LivenessProbe, c.StartupProbe} {
		if p != nil && (p.HTTPGet != nil || ports[p.TCPSocket.Port] == "") {
			t.Errorf("%s: a probe that can kill asks %+v", o.Metadata.Name, p)
		}
	}

	// Every file that a flag names is in a volume, what is written in one that can be.
	volumes := make(map[string]bool)
	for _, v := range pod.Volumes {
		volumes[v.Name] = v.Secret != nil
		if s := v.Secret; s != nil && s.DefaultMode != 0o440 {
			t.Errorf("%s: secret %s has mode %o", o.Metadata.Name, s.SecretName, s.DefaultMode)
		}
	}
	for _, v := range o.Spec.VolumeClaimTemplates {
		volumes[v.Metadata.Name] = false
	}
	mounted := func(file string) (readOnly, ok bool) {
		for _, m := range c.VolumeMounts {
			if strings.HasPrefix(file, m.MountPath+"/") {
				return m.ReadOnly, true
			}
		}
		return false, false
	}
	for _, m := range c.VolumeMounts {
		if secret, ok := volumes[m.Name]; !ok || secret != m.ReadOnly {
			t.Errorf("%s: volume %s at %s: there %v, read-only %v", o.Metadata.Name, m.Name, m.MountPath, ok, m.ReadOnly)
		}
	}
	for flag, value := range flags {
		if !path.IsAbs(value) {
			continue
		}
		readOnly, ok := mounted(value)
		if writes := flag == "store" || flag == "dir"; !ok || readOnly == writes {
			t.Errorf("%s: --%s=%s is in no volume, or in one of the wrong kind", o.Metadata.Name, flag, value)
		}
	}
	if readOnly, ok := mounted("/tmp/x"); !ok || readOnly {
		t.Errorf("%s has no /tmp", o.Metadata.Name)
	}
	return flags
}
