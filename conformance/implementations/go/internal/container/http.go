package container

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"strongroom/internal/fault"
)

// rangeClient follows no redirects and undoes no content coding.
var rangeClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, ResponseHeaderTimeout: 30 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// httpSource is an object at a server. All of its parts are of the version of the first one.
type httpSource struct {
	url  string
	tag  string // of that version; empty before the first part
	size int64
}

// HTTPSource is a source at an address of http or https.
// Its errors are no-ranges, changed, object-missing, permission, truncated and io.
func HTTPSource(url string) Source { return &httpSource{url: url} }

func (s *httpSource) Size() (int64, error) {
	if s.tag == "" {
		part, err := s.Part(0, 1)
		if err != nil {
			return 0, err
		}
		part.Close()
	}
	return s.size, nil
}

func (s *httpSource) Part(start, end int64) (io.ReadCloser, error) {
	request, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		return nil, fault.IO
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, end-1))
	if s.tag != "" {
		request.Header.Set("If-Range", s.tag)
	}
	response, err := rangeClient.Do(request)
	if err != nil {
		return nil, fault.IO
	}
	if err := s.check(response, start, end); err != nil {
		response.Body.Close()
		return nil, err
	}
	return httpPart{response.Body}, nil
}

// check holds an answer against the part that was asked for, and against the first answer.
func (s *httpSource) check(response *http.Response, start, end int64) error {
	switch response.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK:
		if s.tag != "" {
			return fault.Changed
		}
		return fault.NoRanges
	case http.StatusNotFound, http.StatusGone:
		return fault.ObjectMissing
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Permission
	case http.StatusRequestedRangeNotSatisfiable:
		return fault.Truncated
	default:
		return fault.IO
	}
	tag, place := response.Header.Get("ETag"), response.Header.Get("Content-Range")
	var first, last, size int64
	n, _ := fmt.Sscanf(place, "bytes %d-%d/%d", &first, &last, &size)
	exact := n == 3 && place == fmt.Sprintf("bytes %d-%d/%d", first, last, size)
	if !exact || !strings.HasPrefix(tag, `"`) || response.Header.Get("Content-Encoding") != "" {
		return fault.NoRanges
	}
	if s.tag != "" && (tag != s.tag || size != s.size) {
		return fault.Changed
	}
	if first != start || last != min(end, size)-1 || response.ContentLength >= 0 && response.ContentLength != last+1-first {
		return fault.NoRanges
	}
	s.tag, s.size = tag, size
	return nil
}

// httpPart is the body of an answer: when the connection ends before it, that is io.
type httpPart struct{ io.ReadCloser }

func (p httpPart) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if err != nil && err != io.EOF {
		err = fault.IO
	}
	return n, err
}
