package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"

	"rollcall/tenant"
)

// kinds are what the tenant has shown the properties of a change to be so far, to
// whichever row: a [tenant.Kind] for each of Change.Properties. Of a setting with
// rules of its own nobody has to ask.
type kinds []atomic.Uint32

// learn notes what a property was shown to be. A list stays one: a tenant may show
// its only member instead.
func (ks kinds) learn(i int, shown any) {
	k := uint32(tenant.KindOf(shown))
	for is := ks[i].Load(); k != uint32(tenant.Unknown) && k != is && is != uint32(tenant.List); is = ks[i].Load() {
		ks[i].CompareAndSwap(is, k)
	}
}

// of returns the kind of a property of a user who shows it as shown, or not at all.
func (ks kinds) of(i int, shown any) tenant.Kind {
	if k := tenant.KindOf(shown); k != tenant.Unknown {
		return k
	}
	return tenant.Kind(ks[i].Load())
}

// mustLook reports whether t's user has to be read ahead of the set, though nobody
// wants the values before: until the tenant has shown what a property is, and where
// the value may not be for what it is.
func (r *Run) mustLook(t *task) bool {
	if !r.Change.Setting.Any() {
		return false
	}
	for i, want := range t.plan.wants {
		_, edits := want.Value.(tenant.Edit)
		switch k := r.kinds.of(t.plan.index[i], nil); {
		case k == tenant.Unknown, k == tenant.List && isOne(want.Value), edits && k != tenant.List && k != tenant.String:
			return true
		}
	}
	return false
}

// look reads t's user to learn what the properties are. One that Get does not show
// stays what it is: not known.
func (r *Run) look(ctx context.Context, t *task) error {
	object, err := r.get(ctx, t)
	if err != nil {
		return err
	}
	t.shown = t.shown[:0]
	for i, want := range t.plan.wants {
		v, err := r.Change.Setting.Read(object, want.Property)
		if err != nil {
			v = nil
		}
		r.kinds.learn(t.plan.index[i], v)
		t.shown = append(t.shown, v)
	}
	return nil
}

// settable returns an error if what t's user shows is not what the wanted values
// are for: one value would replace a list that somebody may need.
func (t *task) settable() error {
	for i, shown := range t.shown {
		want := t.plan.wants[i]
		list, isList := shown.([]any)
		_, edits := want.Value.(tenant.Edit)
		switch k := tenant.KindOf(shown); {
		case isList && len(list) > 1 && isOne(want.Value):
			return fmt.Errorf("%s is a list of %d: want %[1]s+=VALUE, %[1]s-=VALUE or, to replace it all, %[1]s=[a%[3]sb]", want.Property, len(list), tenant.ListSeparator)
		case edits && k != tenant.Unknown && k != tenant.List && k != tenant.String:
			return fmt.Errorf("%s is %v: nothing can be added to it, or removed", want.Property, k)
		}
	}
	return nil
}

// isOne reports whether want is one value, and no list, nor a change of one.
func isOne(want any) bool {
	switch want.(type) {
	case nil, tenant.Edit:
		return false
	}
	_, isList := tenant.As(want, tenant.List).([]string)
	return !isList
}

// same reports whether shown is as wanted, and whether that is so but for capitals.
func (r *Run) same(shown, want any) (same, butCase bool) {
	switch tenant.Compare(shown, want) {
	case tenant.Same:
		return true, false
	case tenant.ButCase:
		return !r.Change.MatchCase, !r.Change.MatchCase
	}
	return false, false
}

// sendable returns the wanted values as they are sent to t's user.
func (r *Run) sendable(t *task) []tenant.Want {
	wants := make([]tenant.Want, len(t.plan.wants))
	for i, want := range t.plan.wants {
		var shown any
		if len(t.shown) > i {
			shown = t.shown[i]
		}
		wants[i] = tenant.Want{Property: want.Property, Value: tenant.As(want.Value, r.kinds.of(t.plan.index[i], shown))}
	}
	return wants
}
